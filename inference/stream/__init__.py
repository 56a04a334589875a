"""Slices arrive one by one, models answer them on their lanes, results leave in order."""
