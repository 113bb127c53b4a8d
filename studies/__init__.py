"""Scaling studies: train one model for each training size or change, score it, fit the curve and plot it."""
