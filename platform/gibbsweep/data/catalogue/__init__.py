"""What is known of data sets by name before they are here, and the folders in which they lie."""
