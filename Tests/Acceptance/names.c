/* Names for one program, by LD_PRELOAD: a name that ends in .uji has the addresses that stand for it in the file NAMES, one
   line "NAME ADDRESS,ADDRESS ADDRESS,..." a name; each look-up takes the next group, and after the last the first. Each is
   written to the file NAMES_ASKED. Other names are the system's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* How often the name was asked for before. */
static int asked(const char *name) {
    int times = 0;
    char line[512];
    FILE *file = fopen(getenv("NAMES_ASKED"), "a+");
    if (!file) return 0;
    rewind(file);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        times += strcmp(line, name) == 0;
    }
    fprintf(file, "%s\n", name);
    fclose(file);
    return times;
}

/* The group of addresses whose turn it is, for the caller to free. */
static char *group(const char *name) {
    char line[4096], *groups[64], *found = NULL;
    FILE *file = fopen(getenv("NAMES"), "r");
    while (file && !found && fgets(line, sizeof line, file)) {
        int count = 0;
        char *rest = line, *part = strtok_r(rest, " \n", &rest);
        if (!part || strcmp(part, name)) continue;
        while (count < 64 && (part = strtok_r(rest, " \n", &rest))) groups[count++] = part;
        if (count) found = strdup(groups[asked(name) % count]);
    }
    if (file) fclose(file);
    return found;
}

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **list) {
    look_up *real = (look_up *)dlsym(RTLD_NEXT, "getaddrinfo");
    size_t length = name ? strlen(name) : 0;
    if (length < 4 || strcmp(name + length - 4, ".uji")) return real(name, port, hints, list);
    pthread_mutex_lock(&lock);
    char *addresses = group(name), *rest = addresses, *address;
    pthread_mutex_unlock(&lock);
    if (!addresses) return EAI_NONAME;
    *list = NULL;
    struct addrinfo **end = list;
    while ((address = strtok_r(rest, ",", &rest)) && real(address, port, hints, end) == 0)
        while (*end) end = &(*end)->ai_next;
    free(addresses);
    return *list ? 0 : EAI_NONAME;
}
