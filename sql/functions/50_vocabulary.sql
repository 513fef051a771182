-- Status, mode and side are free text in the field ("completed", "Done", ""). These say what a text
-- means, once for all readers.
CREATE OR REPLACE FUNCTION stage1_run_status(p_status text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN p_status IN (
            'COMPLETED', 'RUNNING', 'FAILED', 'QUEUED', 'PENDING', 'CANCELLED', 'INCOMPLETE')
        THEN p_status  -- nearly all: sooner
        WHEN upper(btrim(p_status)) IN (
            'PENDING', 'QUEUED', 'RUNNING', 'COMPLETED', 'INCOMPLETE', 'FAILED', 'CANCELLED')
        THEN upper(btrim(p_status)) ELSE 'UNKNOWN' END
$$;

COMMENT ON FUNCTION stage1_run_status(text) IS
    'What the status of a run or a simulation means, whatever its case and the blanks around it: '
    'PENDING, QUEUED, RUNNING, COMPLETED, INCOMPLETE, FAILED or CANCELLED; UNKNOWN for any other '
    'text and NULL.';

CREATE OR REPLACE FUNCTION stage1_simulation_mode(p_mode text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN p_mode = 'long' THEN 'LONG'
        WHEN p_mode = 'short' THEN 'SHORT'
        WHEN p_mode = 'dual' THEN 'DUAL'
        WHEN upper(btrim(p_mode)) IN ('LONG', 'SHORT', 'DUAL')
        THEN upper(btrim(p_mode)) ELSE 'UNKNOWN' END
$$;

COMMENT ON FUNCTION stage1_simulation_mode(text) IS
    'What the mode of a simulation means, whatever its case and the blanks around it: LONG, SHORT '
    'or DUAL; UNKNOWN for any other text and NULL.';

-- Of buckets and of trades: the words are the same. That a trade has one side, and so is never ALL,
-- is held by the check of its table.
CREATE OR REPLACE FUNCTION stage1_trade_side(p_side text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN p_side = 'long' THEN 'LONG'
        WHEN p_side = 'short' THEN 'SHORT'
        WHEN p_side = 'dual' THEN 'ALL'
        WHEN upper(btrim(p_side)) IN ('LONG', 'SHORT') THEN upper(btrim(p_side))
        WHEN upper(btrim(p_side)) IN ('DUAL', 'BOTH', 'ALL') THEN 'ALL' ELSE 'UNKNOWN' END
$$;

COMMENT ON FUNCTION stage1_trade_side(text) IS
    'What the side of a trade or a bucket means, whatever its case and the blanks around it: LONG, '
    'SHORT, or ALL for dual, both and all; UNKNOWN for any other text and NULL.';
