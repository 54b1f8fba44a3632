/* The limit that the fan-out and the delivery of feeds are held against: SQLite alone, on a table of deliveries with the
 * columns, indices and rows of a worker's store, each transaction synced.
 *
 *   bare_store STORE NEW fanout      fills it by INSERT ... SELECT, 100,000 rows a transaction
 *   bare_store STORE NEW claim       claims 500 rows and completes them, one transaction each
 *   bare_store STORE NEW attempts    the same, with a row of attempts each
 *
 * NEW is a file that it makes. Prints rows/s.
 */
#include "bare_sqlite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { chunk = 100000, batch = 500 };

static long number(const char *sql) {
    sqlite3_stmt *statement = prepare(sql);
    require(sqlite3_step(statement) == SQLITE_ROW, sql);
    long found = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return found;
}

/* The store's tables of deliveries and attempts with their indices, empty, and its newest bulletin's deliveries in a
 * plain table. */
static void copySchema(const char *store) {
    char sql[4200];
    snprintf(sql, sizeof sql, "ATTACH 'file:%.4000s?mode=ro' AS store", store);
    run(sql);
    snprintf(sql, sizeof sql, "PRAGMA page_size = %ld", number("PRAGMA store.page_size"));
    run(sql);
    run("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;"
        "PRAGMA foreign_keys = OFF; PRAGMA wal_autocheckpoint = 4096");
    sqlite3_stmt *schema = prepare(
        "SELECT sql FROM store.sqlite_master WHERE tbl_name IN ('deliveries', 'attempts') AND sql IS NOT NULL ORDER BY type DESC");
    while (sqlite3_step(schema) == SQLITE_ROW) run((const char *)sqlite3_column_text(schema, 0));
    sqlite3_finalize(schema);
    run("CREATE TABLE ready AS SELECT * FROM store.deliveries WHERE bulletin = (SELECT max(bulletin) FROM store.deliveries)"
        " ORDER BY id; DETACH store");
}

static long fill(void) {
    long rows = number("SELECT max(rowid) FROM ready");
    sqlite3_stmt *insert = prepare("INSERT INTO deliveries SELECT * FROM ready WHERE rowid > ?1 AND rowid <= ?1 + ?2");
    for (long from = 0; from < rows; from += chunk) {
        sqlite3_bind_int64(insert, 1, from);
        sqlite3_bind_int64(insert, 2, chunk);
        finish(insert);
    }
    return rows;
}

static long work(int keepsAttempts) {
    sqlite3_stmt *claim = prepare(
        "UPDATE deliveries SET state = 'sending', attempts = attempts + 1, lease = ?1"
        " WHERE id IN (SELECT id FROM deliveries INDEXED BY deliveries_ready WHERE state = 'pending' AND turn IS NOT NULL"
        "     AND channel = 'feed' AND priority = 2 ORDER BY turn LIMIT ?2) RETURNING id");
    sqlite3_stmt *complete = prepare(
        "UPDATE deliveries SET state = 'delivered', due_at = NULL, finished_at = ?2, lease = NULL"
        " WHERE id = ?1 AND state = 'sending' AND lease IS NOT NULL");
    sqlite3_stmt *attempt = prepare(
        "INSERT INTO attempts (delivery, number, started_at, duration, outcome) VALUES (?1, 1, ?2, 0, 'delivered')");
    long done = 0, claimed[batch];
    const sqlite3_int64 time = 4000000000000; /* milliseconds since 1970 */
    for (int count = 1; count > 0; done += count) {
        count = 0;
        sqlite3_bind_int64(claim, 1, time);
        sqlite3_bind_int64(claim, 2, batch);
        while (sqlite3_step(claim) == SQLITE_ROW) claimed[count++] = sqlite3_column_int64(claim, 0);
        require(sqlite3_reset(claim) == SQLITE_OK, "claiming");
        run("BEGIN IMMEDIATE");
        for (int i = 0; i < count; i++) {
            sqlite3_stmt *statements[] = {complete, attempt};
            for (int which = 0; which <= keepsAttempts; which++) {
                sqlite3_bind_int64(statements[which], 1, claimed[i]);
                sqlite3_bind_int64(statements[which], 2, time);
                finish(statements[which]);
            }
        }
        run("COMMIT");
    }
    return done;
}

int main(int count, char **arguments) {
    if (count != 4) return fprintf(stderr, "usage: bare_store STORE NEW fanout|claim|attempts\n"), 64;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
    require(sqlite3_open_v2(arguments[2], &db, flags, NULL) == SQLITE_OK, arguments[2]);
    copySchema(arguments[1]);
    int fans = strcmp(arguments[3], "fanout") == 0;
    if (!fans) fill();
    run("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA synchronous = FULL");
    double started = now();
    long rows = fans ? fill() : work(strcmp(arguments[3], "attempts") == 0);
    printf("%.0f\n", rows / (now() - started));
    return 0;
}
