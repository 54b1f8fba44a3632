import AMQP

extension [IncomingMessage] {
    /// Splits the messages, in order, into slices whose bodies have at most `limit` bytes together. A larger message is
    /// a slice of its own.
    func slices(ofSize limit: Int) -> [ArraySlice<IncomingMessage>] {
        var slices: [ArraySlice<IncomingMessage>] = []
        var (start, size) = (startIndex, 0)
        for index in indices {
            if index > start, size + self[index].body.count > limit {
                slices.append(self[start..<index])
                (start, size) = (index, 0)
            }
            size += self[index].body.count
        }
        if start < endIndex { slices.append(self[start...]) }
        return slices
    }
}
