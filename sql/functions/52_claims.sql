-- What JSON says about how many there are: a number (312, 312.0, 3.12e2) or one in a text ("312"), also where the whole is
-- JSON in a text. NULL where that is no count that a table can hold. Never an error: writers put all sorts of things there.
CREATE OR REPLACE FUNCTION stage1_json_count(p_json jsonb, p_key text) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN said.text ~ '^\s*[0-9]{1,40}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,2})?\s*$'
             AND said.text::numeric = trunc(said.text::numeric) AND said.text::numeric <= 2147483648::numeric
        THEN said.text::numeric::bigint END
    FROM (SELECT stage1_json_object(p_json) ->> p_key AS text) AS said
$$;

COMMENT ON FUNCTION stage1_json_count(jsonb, text) IS
    'The count under a key of JSON, in any form of a number; NULL where it is none, or more than 2147483648.';

-- How many folds a run has, by its own word: summary_metrics.folds, which every writer writes.
CREATE OR REPLACE FUNCTION stage1_claimed_folds(p_summary_metrics jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT stage1_json_count(p_summary_metrics, 'folds')
$$;

COMMENT ON FUNCTION stage1_claimed_folds(jsonb) IS
    'How many folds a run''s summary_metrics say that it has; NULL where they do not say.';
