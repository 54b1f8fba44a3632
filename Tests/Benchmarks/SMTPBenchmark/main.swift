// Sends mails through the SMTP client alone: SMTPBenchmark PORT COUNT CONNECTIONS BYTES
//
// It prints one line of JSON with the mails per second and their cost to this process.

import Foundation
import Logging
import NIOCore
import NIOPosix
import SMTP

let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
guard arguments.count == 4 else {
    print("usage: SMTPBenchmark PORT COUNT CONNECTIONS BYTES")
    exit(64)
}
let (port, count, connections, bytes) = (arguments[0], arguments[1], arguments[2], arguments[3])

var settings = SMTPSettings(host: "127.0.0.1", port: port, security: .none)
settings.maximumConnections = connections
// One session to the end, as `smtp-source -d` does.
settings.messagesPerConnection = .max
let client = try SMTPClient(
    relays: [settings], eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "SMTPBenchmark"))

var body = "From: a@bench.test\r\nTo: b@bench.test\r\nSubject: bench\r\nMessage-ID: <1@bench.test>\r\n\r\n"
while body.utf8.count < bytes { body += String(repeating: "0123456789", count: 7) + "\r\n" }
let content = ByteBuffer(string: body)

func processor() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

func resident() -> Int {
    let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
    return (pages.flatMap { Int($0[1]) } ?? 0) * 4096
}

func send(_ total: Int) async throws {
    // As many callers as the worker has senders.
    try await withThrowingTaskGroup(of: Void.self) { group in
        let callers = connections * 4
        for caller in 0..<callers {
            group.addTask(executorPreference: client.executors.first) {
                for number in stride(from: caller, to: total, by: callers) {
                    let message = try SMTPMessage(
                        sender: "a+b\(number)@bench.test", recipients: ["b@bench.test"], content: content)
                    guard case .accepted? = try await client.send(message).first else { exit(1) }
                }
            }
        }
        try await group.waitForAll()
    }
}

try await send(min(1000, count / 10))
let memory = resident()
let (started, spent) = (ContinuousClock.now, processor())
try await send(count)
let elapsed = started.duration(to: .now) / .seconds(1)
let cost = (processor() - spent) / Double(count) * 1e6
print(
    #"{"rate": \#(Double(count) / elapsed), "cpu_us": \#(cost), "rss_mb": \#(resident() >> 20), "grown_mb": \#((resident() - memory) >> 20)}"#
)
await client.shutdown()
