-- Status and mode are free text in the field ("completed", "Done", ""). These say what a text means, once for all readers.
CREATE OR REPLACE FUNCTION stage1_run_status(p_status text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN p_status IN ('COMPLETED', 'RUNNING', 'FAILED', 'QUEUED', 'PENDING', 'CANCELLED') THEN p_status  -- nearly all: sooner
        WHEN upper(btrim(p_status)) IN ('PENDING', 'QUEUED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')
        THEN upper(btrim(p_status)) ELSE 'UNKNOWN' END
$$;

CREATE OR REPLACE FUNCTION stage1_simulation_mode(p_mode text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN p_mode = 'long' THEN 'LONG'
        WHEN p_mode = 'short' THEN 'SHORT'
        WHEN p_mode = 'dual' THEN 'DUAL'
        WHEN upper(btrim(p_mode)) IN ('LONG', 'SHORT', 'DUAL')
        THEN upper(btrim(p_mode)) ELSE 'UNKNOWN' END
$$;
