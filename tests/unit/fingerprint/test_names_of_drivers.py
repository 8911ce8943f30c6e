"""Names that drivers make for each use are values."""

import pytest

from sidecar.fingerprint.sql import Quoting, normalised


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (['SAVEPOINT "s139872_x1"', "SAVEPOINT sp_2", "savepoint_".upper()[:9] + " `x 1`"], "SAVEPOINT ?"),
        (['RELEASE SAVEPOINT "s139872_x1"', "RELEASE SAVEPOINT a;"], "RELEASE SAVEPOINT ?"),
        (['ROLLBACK TO SAVEPOINT "s139872_x1"', "ROLLBACK TO SAVEPOINT a"], "ROLLBACK TO SAVEPOINT ?"),
        (["RELEASE active_record_1"], "RELEASE ?"),
        (["ROLLBACK TO x1"], "ROLLBACK TO ?"),
        (["ROLLBACK"], "ROLLBACK"),
        (["SAVE TRANSACTION sp1"], "SAVE TRANSACTION ?"),
        (["PREPARE TRANSACTION 'gid 1'"], "PREPARE TRANSACTION ?"),
        (["COMMIT PREPARED 'gid 1'"], "COMMIT PREPARED ?"),
        (["PREPARE s1 (int) AS SELECT $1", "PREPARE s2 (int) AS SELECT $1"], "PREPARE ? (int) AS SELECT ?"),
        (["EXECUTE s1(1)", "EXECUTE s22(7)"], "EXECUTE ?(?)"),
        (["EXECUTE dbo.get_orders @p0"], "EXECUTE dbo.get_orders ?"),
        (["DEALLOCATE pdo_stmt_00000001", 'DEALLOCATE "a b"'], "DEALLOCATE ?"),
        (["DROP PREPARE stmt1", "DROP PREPARE stmt2;"], "DROP PREPARE ?"),
        (["COPY tmp_12 (a) FROM STDIN", "COPY tmp_13 (a) FROM STDIN"], "COPY tmp_? (a) FROM STDIN"),
        (["SELECT a FROM pg_temp_3.foo", "SELECT a FROM pg_temp_14.foo"], "SELECT a FROM pg_temp_?.foo"),
        (["DROP TABLE `x`.`tmp_1a2b3c4d`", "DROP TABLE `x`.`tmp_9`"], "DROP TABLE `x`.`tmp_?`"),
        (
            [
                'SELECT a FROM "temp_0b7e6a5c-aaaa-bbbb-cccc-0123456789ab"',
                'SELECT a FROM "temp_1b7e6a5c-1aaa-bbbb-cccc-0123456789ac"',
            ],
            'SELECT a FROM "temp_?"',
        ),
        (["SELECT a FROM tmp_1-b", "SELECT a FROM tmp_2-b"], "SELECT a FROM tmp_?-b"),
        (["DEALLOCATE ALL"], "DEALLOCATE ALL"),
        (['DECLARE "c_7f_1" NO SCROLL CURSOR FOR SELECT 1'], "DECLARE ? NO SCROLL CURSOR FOR SELECT ?"),
        (['FETCH FORWARD 100 FROM "c_7f_1"', "FETCH FORWARD 7 FROM c"], "FETCH FORWARD ? FROM ?"),
        (["FETCH NEXT FROM c_1"], "FETCH NEXT FROM ?"),
        (["MOVE FORWARD ALL IN c_1"], "MOVE FORWARD ALL IN ?"),
        (["CLOSE c_1", 'CLOSE "_django_curs_139872_sync_1"'], "CLOSE ?"),
        (["CLOSE ALL"], "CLOSE ALL"),
        (["LISTEN user_4711"], "LISTEN ?"),
        (["LISTEN orders"], "LISTEN orders"),
        (["CREATE TEMP TABLE tmp_4711 (a int)", "CREATE TEMP TABLE tmp_9 (a int)"], "CREATE TEMP TABLE tmp_? (a int)"),
        (["SELECT tmp_1.a FROM tmp_1"], "SELECT tmp_?.a FROM tmp_?"),
        (["SELECT temp1, tmp_2 FROM readings_2024"], "SELECT temp1, tmp_2 FROM readings_2024"),
        (["SET search_path TO tenant_1", "SET search_path TO tenant_2, public"], "SET search_path TO ?"),
        (["SET LOCAL app.user_id = '1'", "SET LOCAL app.user_id = bob"], "SET LOCAL app.user_id = ?"),
        (["SET ROLE alice", "SET ROLE bob"], "SET ROLE ?"),
        (["BEGIN; SET LOCAL app.user = bob; SELECT 1"], "BEGIN; SET LOCAL app.user = ?; SELECT ?"),
        (["SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"], "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
        (["RELEASE SAVEPOINT a1; SAVEPOINT a2"], "RELEASE SAVEPOINT ?; SAVEPOINT ?"),
    ],
)
def test_such_names_are_one(texts: list[str], expected: str) -> None:
    assert {normalised(text, Quoting.STANDARD) for text in texts} == {expected}


def test_a_name_in_quotes_of_which_it_is_unsure_what_they_mean_is_one_too() -> None:
    assert normalised('SAVEPOINT "s139872_x1"', Quoting.UNSURE) == "SAVEPOINT ?"
