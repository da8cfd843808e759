"""What a person may ask of a sweep, and what that comes to once every default is filled in."""
