/* As fast as mails can be handed over: one thread, connections that stay open, the commands of the next mail in one write
 * with the content of the one before (RFC 2920).
 *
 *   bare_smtp PORT COUNT CONNECTIONS BYTES      prints mails a second and microseconds of CPU for each
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* What was written last: nothing; commands; the content of one mail with the commands of the next; the last content. */
enum stage { IDLE, OPENED, FLOWING, LAST };

struct peer {
    int socket, replies;
    enum stage stage;
    size_t length;
    char bytes[4096];
};

static const char commands[] = "MAIL FROM:<a@bench.test>\r\nRCPT TO:<b@bench.test>\r\nDATA\r\n";
static char content[1 << 17], both[1 << 18];
static long left, done, count;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void put(int socket, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(socket, bytes, length);
        if (written <= 0) fail("write");
        bytes += written;
        length -= written;
    }
}

static void say(struct peer *peer, enum stage stage, const char *bytes, int replies) {
    peer->stage = stage;
    peer->replies = replies;
    put(peer->socket, bytes, strlen(bytes));
}

/* All replies to what was written last are here. */
static void go_on(struct peer *peer) {
    if (peer->stage == FLOWING || peer->stage == LAST) done++;
    if (peer->stage == LAST || (peer->stage == IDLE && left == 0)) {
        peer->stage = IDLE;
    } else if (left == 0) {
        say(peer, LAST, content, 1);
    } else {
        left--;
        if (peer->stage == IDLE) say(peer, OPENED, commands, 3);
        else say(peer, FLOWING, both, 4);
    }
}

static void read_replies(struct peer *peer) {
    ssize_t got = read(peer->socket, peer->bytes + peer->length, sizeof peer->bytes - peer->length);
    if (got <= 0) fail("read");
    peer->length += got;
    char *line = peer->bytes, *end;
    while ((end = memchr(line, '\n', peer->bytes + peer->length - line))) {
        if (*line != '2' && *line != '3') fail("a reply");
        int is_last = line[3] != '-';
        line = end + 1;
        if (is_last && --peer->replies == 0) go_on(peer);
    }
    peer->length -= line - peer->bytes;
    memmove(peer->bytes, line, peer->length);
}

static void talk(struct peer *peer, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1;
    peer->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(peer->socket, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(peer->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    char line[4096];
    if (read(peer->socket, line, sizeof line) <= 0) fail("greeting");
    put(peer->socket, "EHLO bench.test\r\n", 17);
    ssize_t got, length = 0;
    do {
        if ((got = read(peer->socket, line + length, sizeof line - length)) <= 0) fail("EHLO");
        length += got;
    } while (memmem(line, length, "250 ", 4) == NULL);
}

int main(int argc, char **argv) {
    if (argc != 5) return 64;
    int connections = atoi(argv[3]);
    size_t size = atoi(argv[4]);
    left = count = atol(argv[2]);
    strcpy(content, "From: a@bench.test\r\nTo: b@bench.test\r\nSubject: bench\r\nMessage-ID: <1@bench.test>\r\n\r\n");
    while (strlen(content) < size)
        strcat(content, "0123456789012345678901234567890123456789012345678901234567890123456789\r\n");
    strcat(content, ".\r\n");
    snprintf(both, sizeof both, "%s%s", content, commands);
    struct peer *peers = calloc(connections, sizeof *peers);
    int events = epoll_create1(0);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < connections; i++) {
        talk(&peers[i], atoi(argv[1]));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &peers[i]};
        epoll_ctl(events, EPOLL_CTL_ADD, peers[i].socket, &event);
        go_on(&peers[i]);
    }
    while (done < count) {
        struct epoll_event ready[64];
        int number = epoll_wait(events, ready, 64, 10000);
        if (number <= 0) fail("nothing comes");
        for (int i = 0; i < number; i++) read_replies(ready[i].data.ptr);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double seconds = end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9;
    double cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("%.0f mails/s %.2f us\n", count / seconds, cpu / count * 1e6);
}
