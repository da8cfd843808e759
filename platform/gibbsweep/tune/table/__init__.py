"""From a finished plan to the table: rows, pictures, files, terminal."""
