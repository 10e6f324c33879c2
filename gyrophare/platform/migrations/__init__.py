"""The schema: numbered plain SQL files, applied by Alembic under one advisory lock."""
