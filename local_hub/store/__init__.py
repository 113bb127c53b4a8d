"""The data of the local Hub on disk: repos, large files, collections and accounts. A failure is a ``HubError``."""
