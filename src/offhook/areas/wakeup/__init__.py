"""Wake-up calls: a durable schedule, a runner that rings, and a journal of every try (spec 11-wakeup)."""
