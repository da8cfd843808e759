"""The record of a sweep: what each trial is to do, written before it happens, and what became of it, read after a
crash."""
