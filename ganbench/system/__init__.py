"""What every floor stands on: files, processes, cores, progress, versions."""
