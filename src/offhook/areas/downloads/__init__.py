"""Files that are fetched with a one-time random string: call records, recordings, voicemail."""
