"""What an answer looks like on the wire: as published, as learnt, and in which order."""
