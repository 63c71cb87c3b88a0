"""Explanation: in which ways generated images differ from real ones, and what to do about it."""
