-- What the API shows of stored JSON: an object as it is, also one that a text contains; nothing as {}; anything else under "value".
CREATE OR REPLACE FUNCTION stage1_json_object(p_json jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    inner_json jsonb := p_json;
BEGIN
    IF p_json IS NULL OR p_json = 'null' THEN
        RETURN '{}';
    END IF;
    IF jsonb_typeof(p_json) = 'string' THEN
        BEGIN
            inner_json := (p_json #>> '{}'::text[])::jsonb;
        EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
            NULL;  -- plain text, or nested too deeply to be anything else
        END;
    END IF;
    RETURN CASE WHEN jsonb_typeof(inner_json) = 'object' THEN inner_json ELSE pg_catalog.jsonb_build_object('value', p_json) END;
END
$$;

COMMENT ON FUNCTION stage1_json_object(jsonb) IS
    'Stored JSON as an object: one inside a text is taken out, NULL and null are {}, anything else '
    'stands under the key "value".';

-- A number, also where it is written as a text; NULL for anything else.
CREATE OR REPLACE FUNCTION stage1_json_number(p_json jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN jsonb_typeof(p_json) IN ('number', 'string') AND length(p_json #>> '{}'::text[]) < 400
                 AND p_json #>> '{}'::text[] ~ '^\s*[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?\s*$'
                THEN (p_json #>> '{}'::text[])::numeric END
$$;

COMMENT ON FUNCTION stage1_json_number(jsonb) IS
    'The number that a JSON value is or spells; NULL where it is none.';
