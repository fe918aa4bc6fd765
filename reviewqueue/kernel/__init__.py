"""What every layer uses: clock, errors, SQL, JSON, number formats."""
