import Testing

@testable import DeliveryEngine

/// The queue hands each element to one sender, also while it closes.
struct WorkQueueTests {
    @Test func everyElementIsTakenOnce() async {
        let queue = WorkQueue<Int>()
        let taken = await withTaskGroup(of: [Int].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var mine: [Int] = []
                    while let taken = await queue.next() { mine.append(taken.element) }
                    return mine
                }
            }
            for start in stride(from: 0, to: 10_000, by: 100) { queue.push(Array(start..<(start + 100))) }
            while queue.count > 0 { await Task.yield() }
            let left = queue.close()
            return await group.reduce(into: left) { $0 += $1 }
        }
        #expect(taken.sorted() == Array(0..<10_000))
    }

    @Test func closingGivesBackWhatNobodyTook() async {
        let queue = WorkQueue<Int>()
        queue.push([1, 2, 3])
        #expect(await queue.next()?.element == 1)
        #expect(queue.close() == [2, 3])
        #expect(await queue.next() == nil)
    }

    /// The claimer sleeps until the queue is half empty. A level that no sender saw would leave it asleep.
    @Test func eachLevelIsSeenByExactlyOneTaker() async {
        let queue = WorkQueue<Int>()
        queue.push(Array(0..<10_000))
        let levels = await withTaskGroup(of: [Int].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var mine: [Int] = []
                    while let taken = await queue.next() {
                        mine.append(taken.left)
                        if taken.left == 0 { _ = queue.close() }
                    }
                    return mine
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(levels.sorted() == Array(0..<10_000))
    }
}
