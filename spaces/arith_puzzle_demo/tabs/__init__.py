"""The tabs of the page, one module each. ``build`` adds a tab's parts to the page."""
