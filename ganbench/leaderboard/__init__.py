"""The leaderboard: many scorecards, ranked by one result, with what is not significant said so."""
