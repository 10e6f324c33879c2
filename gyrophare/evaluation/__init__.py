"""What the rules would have said of recorded tracks: no database, no network, a clock that is only counted."""
