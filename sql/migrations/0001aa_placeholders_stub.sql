ALTER TABLE walkforward_runs ADD COLUMN IF NOT EXISTS is_placeholder boolean NOT NULL DEFAULT false;
ALTER TABLE simulation_runs ADD COLUMN IF NOT EXISTS is_placeholder boolean NOT NULL DEFAULT false;
