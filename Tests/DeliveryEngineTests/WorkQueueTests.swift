import Testing

@testable import DeliveryEngine

struct WorkQueueTests {
    @Test func everyElementIsTakenOnce() async {
        let queue = WorkQueue<Int>()
        let taken = await withTaskGroup(of: [Int].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var mine: [Int] = []
                    while let element = await queue.next() { mine.append(element) }
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
        #expect(await queue.next() == 1)
        #expect(queue.close() == [2, 3])
        #expect(await queue.next() == nil)
    }
}
