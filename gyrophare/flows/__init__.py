"""The stories, one a file: they call the packages in order, and hold no rule and no SQL of their own."""
