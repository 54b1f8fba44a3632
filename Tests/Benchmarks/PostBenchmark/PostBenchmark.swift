import Foundation
import Synchronization

/// Posts COUNT bodies of 2 KB to http://127.0.0.1:PORT over CONNECTIONS connections. It prints the posts per second,
/// and the microseconds of CPU time per post:
///
///     PostBenchmark bare PORT COUNT CONNECTIONS       SwiftNIO with NIOHTTP1, the same request again and again
///     PostBenchmark client PORT COUNT CONNECTIONS     the worker's channel: render, sign, post, judge the answer
@main struct PostBenchmark {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        let numbers = arguments.dropFirst().compactMap { Int($0) }
        guard let mode = arguments.first, numbers.count == 3 else {
            fatalError("PostBenchmark bare|client PORT COUNT CONNECTIONS")
        }
        let (port, count, connections) = (numbers[0], numbers[1], numbers[2])
        let run = mode == "bare" ? BarePosts.run : ChannelPosts.run
        // Opens the connections and allocates memory before the measurement.
        try await run(port, count / 10, connections)
        let (began, spent) = (ContinuousClock.now, cpu())
        try await run(port, count, connections)
        let seconds = began.duration(to: .now) / .seconds(1)
        print(Double(count) / seconds, Double(cpu() - spent) / Double(count))
    }

    /// The CPU time of this process, in microseconds.
    private static func cpu() -> Int {
        var usage = rusage()
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000
            + Int(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    }
}

/// The number of posts that are still to begin.
final class Budget: Sendable {
    private let left: Atomic<Int>
    init(_ count: Int) { left = Atomic(count) }

    /// Returns the number of the next post; nil after the last one.
    func next() -> Int? {
        let left = left.subtract(1, ordering: .relaxed).newValue
        return left >= 0 ? left : nil
    }
}
