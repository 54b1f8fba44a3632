/* The parts that the loops on SQLite alone share: one database, a clock, and an end with a reason. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static sqlite3 *db;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void require(int isGood, const char *what) {
    if (isGood) return;
    fprintf(stderr, "%s failed: %s\n", what, db ? sqlite3_errmsg(db) : "");
    exit(1);
}

static void run(const char *sql) { require(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sql); }

static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *statement;
    require(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, sql);
    return statement;
}

static void finish(sqlite3_stmt *statement) {
    require(sqlite3_step(statement) == SQLITE_DONE, "a statement");
    sqlite3_reset(statement);
}
