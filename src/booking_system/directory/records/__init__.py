"""What contexts above the directory may use in their own statements."""
