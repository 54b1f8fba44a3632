/* Receives the deliveries of the race on loopback: answers 204 to every POST and 250 to every mail, and says when each
 * came. One thread.
 *
 *   sink HTTP-PORT SMTP-PORT      prints h or m, a hash of what tells deliveries apart, NANOSECONDS (since 1970), and
 *                                 the bulletin's number
 *
 * A webhook is known by its path and its webhook-id or X-Delivery-Id, a mail by its Message-ID. A bulletin's number follows
 * "Nomor-" in its title.
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

enum kind { HTTP, MAIL };

struct peer {
    int socket, listens, isInMail;
    enum kind kind;
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

static void say(int socket, const char *text) {
    ssize_t length = strlen(text);
    require(write(socket, text, length) == length || errno == EPIPE || errno == ECONNRESET, "answering");
}

static struct peer *watch(int socket, enum kind kind, int listens) {
    struct peer *peer = calloc(1, sizeof *peer);
    *peer = (struct peer){.socket = socket, .listens = listens, .kind = kind, .size = 16384, .bytes = malloc(16384)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    require(epoll_ctl(events, EPOLL_CTL_ADD, socket, &event) == 0, "epoll_ctl");
    return peer;
}

static void listenOn(int port, enum kind kind) {
    int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    require(bind(server, (void *)&address, sizeof address) == 0 && listen(server, 4096) == 0, "listening");
    watch(server, kind, 1);
}

static void acceptFrom(struct peer *server) {
    int socket, on = 1;
    while ((socket = accept4(server->socket, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(socket, server->kind, 0);
        if (server->kind == MAIL) say(socket, "220 sink ESMTP\r\n");
    }
}

static unsigned long long hash(unsigned long long seed, const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) seed = (seed ^ (unsigned char)bytes[i]) * 1099511628211ULL;
    return seed;
}

/* The value of a header field among bytes that end with an empty line; NULL if it is missing. */
static const char *field(const char *head, size_t length, const char *name, size_t *size) {
    const char *end = head + length;
    for (const char *line = head; line < end;) {
        const char *next = memchr(line, '\n', end - line);
        if (!next) return NULL;
        if (!strncasecmp(line, name, strlen(name))) {
            *size = next - line - strlen(name);
            return line + strlen(name);
        }
        line = next + 1;
    }
    return NULL;
}

static void note(char kind, unsigned long long seed, const char *bytes, size_t head, size_t length, const char *const *names) {
    const char *value = NULL, *number = memmem(bytes, length, "Nomor-", 6);
    size_t size = 0;
    while (!value && *names) value = field(bytes, head, *names++, &size);
    printf("%c %llx %lld %d\n", kind, hash(seed, value ? value : "", size), now(), number ? atoi(number + 6) : -1);
}

/* Answers the first whole request of the bytes; its length, 0 if there is none yet. */
static size_t answer(struct peer *peer, const char *bytes, size_t length) {
    static const char *const names[] = {"webhook-id:", "x-delivery-id:", NULL};
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (!end) return 0;
    size_t head = end + 4 - bytes, size, path = (char *)memchr(bytes, '\n', head) - bytes;
    const char *value = field(bytes, head, "content-length:", &size);
    size_t body = value ? strtoul(value, NULL, 10) : 0;
    if (length < head + body) return 0;
    say(peer->socket, "HTTP/1.1 204 No Content\r\n\r\n");
    note('h', hash(14695981039346656037ULL, bytes, path), bytes, head, head + body, names);
    return head + body;
}

static size_t takeMail(struct peer *peer, const char *bytes, size_t length) {
    static const char *const names[] = {"message-id:", NULL};
    const char *end = memmem(bytes, length, "\r\n.\r\n", 5);
    if (!end) return 0;
    peer->isInMail = 0;
    say(peer->socket, "250 2.0.0 Ok\r\n");
    note('m', 14695981039346656037ULL, bytes, end + 2 - bytes, end + 2 - bytes, names);
    return end + 5 - bytes;
}

static size_t obey(struct peer *peer, const char *bytes, size_t length) {
    if (peer->isInMail) return takeMail(peer, bytes, length);
    const char *end = memchr(bytes, '\n', length);
    if (!end) return 0;
    if (!strncasecmp(bytes, "EHLO", 4)) {
        say(peer->socket, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n");
    } else if (!strncasecmp(bytes, "DATA", 4)) {
        peer->isInMail = 1;
        say(peer->socket, "354 go\r\n");
    } else {
        say(peer->socket, strncasecmp(bytes, "QUIT", 4) ? "250 2.1.0 Ok\r\n" : "221 2.0.0 bye\r\n");
    }
    return end + 1 - bytes;
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
    do {
        one = (peer->kind == HTTP ? answer : obey)(peer, peer->bytes + taken, peer->length - taken);
        taken += one;
    } while (one);
    memmove(peer->bytes, peer->bytes + taken, peer->length -= taken);
}

int main(int count, char **arguments) {
    if (count != 3) return fprintf(stderr, "usage: sink HTTP-PORT SMTP-PORT\n"), 64;
    signal(SIGPIPE, SIG_IGN);
    events = epoll_create1(0);
    listenOn(atoi(arguments[1]), HTTP);
    listenOn(atoi(arguments[2]), MAIL);
    for (long long flushed = 0;;) {
        struct epoll_event ready[256];
        int readies = epoll_wait(events, ready, 256, 50);
        for (int i = 0; i < readies; i++) {
            struct peer *peer = ready[i].data.ptr;
            if (peer->listens) acceptFrom(peer);
            else readFrom(peer);
        }
        if (now() - flushed > 50000000) {
            fflush(stdout);
            flushed = now();
        }
    }
}
