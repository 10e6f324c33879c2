"""When somebody is protected: agents, their shifts and pauses, and the plan they begin by."""
