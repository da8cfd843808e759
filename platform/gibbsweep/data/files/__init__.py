"""Data sets on disk: what Parquet files and folders of images may hold, how they are read, and how they are written."""
