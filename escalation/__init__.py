"""The machines' side: takes outputs in, decides which a person must see, hands decisions back, counts what it cost."""
