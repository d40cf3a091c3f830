import time


def primes(below: int) -> list[int]:
    """The primes below a number, by the sieve of Eratosthenes."""
    is_prime = [True] * max(below, 2)
    is_prime[0:2] = [False, False]
    for number in range(2, int(below**0.5) + 1):
        if is_prime[number]:
            is_prime[number * number :: number] = [False] * len(range(number * number, below, number))
    return [number for number in range(below) if is_prime[number]]


# Time enough to take its sandbox away.
time.sleep(2)
print(len(primes(100_000)), "primes below 100,000")
