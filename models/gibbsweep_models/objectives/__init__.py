"""Training criteria: functions, or modules where they keep state (a replay buffer, persistent chains)."""
