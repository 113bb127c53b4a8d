"""What the local Hub keeps on disk, and how it is read and changed. Nothing here knows HTTP requests."""
