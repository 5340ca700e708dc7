"""Mail: a queue in the store, a spool of attachments, and the sender."""
