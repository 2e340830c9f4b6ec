"""The books as a reader may see them: postings, accounts, the trial balance, and merchants' statements."""
