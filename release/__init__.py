"""Stage, publish, check and yank a release on a Hub."""
