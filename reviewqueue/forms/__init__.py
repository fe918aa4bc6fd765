"""What people type, checked for shape; what it means is checked by the domain."""
