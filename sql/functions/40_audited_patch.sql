-- What the API's upsertDataset calls: patch_stage1_dataset, and who wrote. A function, and not an INSERT beside the patch in
-- the server's statement: who calls it cannot leave out one half, and what a row of the audit holds is said here alone. Raises
-- what patch_stage1_dataset raises; there is no row then.
CREATE OR REPLACE FUNCTION stage1_audited_patch(p_patch jsonb, p_token text, p_request_id text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM patch_stage1_dataset(p_patch);
    INSERT INTO stage1_audit (token, operation, ids, request_id)
    VALUES (p_token, 'upsertDataset', ARRAY[(p_patch ->> 'dataset_id')::uuid], p_request_id);
END
$$;

COMMENT ON FUNCTION stage1_audited_patch(jsonb, text, text) IS
    'patch_stage1_dataset, and a row of stage1_audit that says who wrote: both or neither.';
