"""What happened on the chain, in SQL: block by block, undone where a reorganisation was."""
