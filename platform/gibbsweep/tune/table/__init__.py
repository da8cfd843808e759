"""The table of a finished plan: rows, pictures, files, terminal."""
