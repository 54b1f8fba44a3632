/* The fair limit that intake is held against: takes N messages from a queue on librabbitmq and keeps each in SQLite as a
 * bulletin, its payload and two receipts. It acknowledges a batch once it is committed and synced, as a worker has to. It
 * does not read the JSON, nor check anything.
 *
 *   bare_intake PORT QUEUE N STORE      makes STORE; prints messages/s, and microseconds of CPU time a message
 *
 * A batch ends after 512 messages, or when the next one is not there within 2 ms. The pages, the log and the cache are those
 * of a worker's store.
 */
#include "bare_sqlite.h"

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { prefetch = 1000, batch = 512 };

static double spent(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void openStore(const char *path) {
    require(sqlite3_open(path, &db) == SQLITE_OK, path);
    run("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096;"
        "PRAGMA cache_size = -32768");
    run("CREATE TABLE bulletins (id INTEGER PRIMARY KEY AUTOINCREMENT, publisher TEXT NOT NULL, name TEXT NOT NULL,"
        "    revision INTEGER NOT NULL, kind INTEGER NOT NULL, title TEXT NOT NULL, urgency INTEGER NOT NULL, state TEXT NOT NULL,"
        "    regions TEXT NOT NULL, fields TEXT NOT NULL, received_at INTEGER NOT NULL, digest BLOB NOT NULL, routed_at INTEGER,"
        "    UNIQUE (publisher, name, revision));"
        "CREATE INDEX unrouted ON bulletins (urgency DESC, received_at, id) WHERE routed_at IS NULL;"
        "CREATE TABLE payloads (bulletin INTEGER PRIMARY KEY, payload BLOB NOT NULL);"
        "CREATE TABLE receipts (id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, body BLOB NOT NULL)");
}

/* One message. Its name is its number: the same message never comes twice here. */
static void keep(amqp_bytes_t body, long number) {
    static sqlite3_stmt *earlier, *bulletin, *payload, *receipt;
    static char digest[32], details[400];
    char name[32];
    if (!earlier) {
        earlier = prepare("SELECT max(revision) FROM bulletins WHERE publisher = 'uji' AND name = ?1");
        bulletin = prepare(
            "INSERT INTO bulletins (publisher, name, revision, kind, title, urgency, state, regions, fields, received_at, digest)"
            " VALUES ('uji', ?1, 1, 1, 'Uji intake', 0, 'published', '73.71.09', 'kesehatan', ?2, ?3)");
        payload = prepare("INSERT INTO payloads (bulletin, payload) VALUES (?1, ?2)");
        receipt = prepare("INSERT INTO receipts (event, body) VALUES ('accepted', ?1)");
        sqlite3_bind_blob(bulletin, 3, digest, sizeof digest, SQLITE_STATIC);
        sqlite3_bind_blob(receipt, 1, details, sizeof details, SQLITE_STATIC);
    }
    int length = snprintf(name, sizeof name, "b-%ld", number);
    sqlite3_bind_text(earlier, 1, name, length, SQLITE_STATIC);
    require(sqlite3_step(earlier) == SQLITE_ROW, "looking for an earlier revision");
    sqlite3_reset(earlier);
    sqlite3_bind_text(bulletin, 1, name, length, SQLITE_STATIC);
    sqlite3_bind_int64(bulletin, 2, number);
    finish(bulletin);
    sqlite3_bind_int64(payload, 1, sqlite3_last_insert_rowid(db));
    sqlite3_bind_blob(payload, 2, body.bytes, body.len, SQLITE_STATIC);
    finish(payload);
    finish(receipt);
    finish(receipt);
}

static amqp_connection_state_t consume(int port, const char *queue) {
    amqp_connection_state_t link = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(link);
    require(amqp_socket_open(socket, "127.0.0.1", port) == 0, "connecting");
    amqp_rpc_reply_t reply = amqp_login(link, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
    require(reply.reply_type == AMQP_RESPONSE_NORMAL, "login");
    amqp_channel_open(link, 1);
    amqp_basic_qos(link, 1, 0, prefetch, 0);
    amqp_basic_consume(link, 1, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    require(amqp_get_rpc_reply(link).reply_type == AMQP_RESPONSE_NORMAL, "consuming");
    return link;
}

int main(int count, char **arguments) {
    require(count == 5, "usage: bare_intake PORT QUEUE N STORE;");
    openStore(arguments[4]);
    amqp_connection_state_t link = consume(atoi(arguments[1]), arguments[2]);
    long wanted = atol(arguments[3]), taken = 0, open = 0;
    uint64_t last = 0;
    double started = 0;
    while (taken < wanted || open) {
        amqp_envelope_t envelope;
        struct timeval patience = {.tv_usec = 2000};
        amqp_maybe_release_buffers(link);
        amqp_rpc_reply_t reply = {.reply_type = AMQP_RESPONSE_NONE};
        if (taken < wanted) reply = amqp_consume_message(link, &envelope, open ? &patience : NULL, 0);
        int came = reply.reply_type == AMQP_RESPONSE_NORMAL;
        if (came) {
            if (!started) started = now();
            if (open++ == 0) run("BEGIN IMMEDIATE");
            keep(envelope.message.body, taken++);
            last = envelope.delivery_tag;
            amqp_destroy_envelope(&envelope);
        } else {
            require(open, "a message");
        }
        if (open == batch || (open && !came)) {
            run("COMMIT");
            amqp_basic_ack(link, 1, last, 1);
            open = 0;
        }
    }
    printf("%.0f %.1f\n", taken / (now() - started), spent() / taken * 1e6);
    amqp_connection_close(link, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(link);
    return 0;
}
