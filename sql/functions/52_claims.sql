-- A count that JSON states: a number (312, 312.0, 3.12e2) or one in a text ("312"), also where the
-- whole is JSON in a text. NULL if a table cannot hold so many. Never an error: writers put anything
-- there.
CREATE OR REPLACE FUNCTION stage1_json_count(p_json jsonb, p_key text) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    value CONSTANT jsonb := stage1_json_object(p_json) -> p_key;
    stated CONSTANT numeric := stage1_json_number(value);
BEGIN
    RETURN CASE WHEN stated = trunc(stated) AND stated BETWEEN 0::numeric AND 2147483648::numeric
                THEN stated END;
END
$$;

COMMENT ON FUNCTION stage1_json_count(jsonb, text) IS
    'The count under a key of JSON, in any form of a number; NULL where it is none, or more than '
    '2147483648.';

-- How many folds a run has, according to its own row: every writer writes summary_metrics.folds.
CREATE OR REPLACE FUNCTION stage1_claimed_folds(p_summary_metrics jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT stage1_json_count(p_summary_metrics, 'folds')
$$;

COMMENT ON FUNCTION stage1_claimed_folds(jsonb) IS
    'How many folds a run''s summary_metrics say that it has; NULL where they do not say.';
