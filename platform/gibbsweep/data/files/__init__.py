"""Canonical Parquet files: their header, their columns decoded, and how they are written."""
