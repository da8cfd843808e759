"""The options of a sweep, and the settings that they come to once every default is filled in."""
