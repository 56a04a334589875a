"""One room per runtime library; nothing else imports that library."""
