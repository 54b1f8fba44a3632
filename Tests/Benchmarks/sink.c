/* Takes webhooks on loopback: answers 204 to every POST at once, over connections that stay open, and says which
 * bulletin came when. One thread.
 *
 *   sink PORT HOSTS      listens on 127.0.0.1 and the HOSTS - 1 addresses after it; prints ID NANOSECONDS (since 1970)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct peer {
    int socket, listens;
    size_t length, size;
    char *bytes;
};

static int events;

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void require(int isGood, const char *what) {
    if (isGood) return;
    perror(what);
    exit(1);
}

static void watch(int socket, int listens) {
    struct peer *peer = calloc(1, sizeof *peer);
    *peer = (struct peer){.socket = socket, .listens = listens, .size = 8192, .bytes = malloc(8192)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    require(epoll_ctl(events, EPOLL_CTL_ADD, socket, &event) == 0, "epoll_ctl");
}

static void listenOn(int host, int port) {
    int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK + host)};
    require(bind(server, (void *)&address, sizeof address) == 0 && listen(server, 4096) == 0, "listening");
    watch(server, 1);
}

static void acceptFrom(int server) {
    int socket, on = 1;
    while ((socket = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(socket, 0);
    }
}

/* Prints the bulletin's id, the first member of that name behind "bulletin". */
static void stamp(const char *body, size_t length) {
    const char *end = body + length, *at = memmem(body, length, "\"bulletin\":", 11);
    if (at) at = memmem(at, end - at, "\"id\":", 5);
    if (at) at = memchr(at + 5, '"', end - at - 5);
    const char *close = at ? memchr(at + 1, '"', end - at - 1) : NULL;
    if (close) printf("%.*s %lld\n", (int)(close - at - 1), at + 1, now());
}

/* Answers the first whole request of the bytes; its length, 0 if there is none yet. */
static size_t answer(int socket, char *bytes, size_t length) {
    static const char reply[] = "HTTP/1.1 204 No Content\r\n\r\n";
    char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0;
    char *field = strcasestr(bytes, "\r\ncontent-length:");
    *end = '\r';
    size_t head = end + 4 - bytes, body = field ? strtoul(field + 17, NULL, 10) : 0;
    if (length < head + body) return 0;
    require(write(socket, reply, sizeof reply - 1) == sizeof reply - 1 || errno == EPIPE || errno == ECONNRESET, "answering");
    stamp(bytes + head, body);
    return head + body;
}

static void readFrom(struct peer *peer) {
    if (peer->length == peer->size) peer->bytes = realloc(peer->bytes, peer->size *= 2);
    ssize_t got = read(peer->socket, peer->bytes + peer->length, peer->size - peer->length);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        close(peer->socket);
        free(peer->bytes);
        free(peer);
        return;
    }
    peer->length += got;
    size_t taken = 0, one;
    while ((one = answer(peer->socket, peer->bytes + taken, peer->length - taken))) taken += one;
    memmove(peer->bytes, peer->bytes + taken, peer->length -= taken);
}

int main(int count, char **arguments) {
    if (count != 3) return fprintf(stderr, "usage: sink PORT HOSTS\n"), 64;
    signal(SIGPIPE, SIG_IGN);
    events = epoll_create1(0);
    for (int host = 0; host < atoi(arguments[2]); host++) listenOn(host, atoi(arguments[1]));
    for (long long flushed = 0;;) {
        struct epoll_event ready[256];
        int readies = epoll_wait(events, ready, 256, 50);
        for (int i = 0; i < readies; i++) {
            struct peer *peer = ready[i].data.ptr;
            if (peer->listens) acceptFrom(peer->socket);
            else readFrom(peer);
        }
        if (now() - flushed > 50000000) {
            fflush(stdout);
            flushed = now();
        }
    }
}
