"""64 sessions at once, each with its own puzzle, whose turns mix: no board is that of another. Prints the sum."""

import asyncio
import random
import sys

from arith_puzzle.environments.episodes import draw
from arith_puzzle.environments.game import Game, oracle
from arith_puzzle.environments.openenv import ArithPuzzleEnv
from arith_puzzle.metrics.arith_puzzle_verifier.verify import parse_equation

SESSIONS = 64


async def session(url: str, seed: int, together: asyncio.Barrier) -> float:
    puzzle, chance = draw("1m", "test", seed), random.Random(seed)
    game = Game(puzzle)
    async with ArithPuzzleEnv(base_url=url, connect_timeout_s=60) as env:
        seen = (await env.reset(config="1m", split="test", seed=seed)).observation
        assert (tuple(seen.numbers), seen.target) == (puzzle.numbers, puzzle.target)
        await together.wait()  # all sessions are open now
        for a, op, b, _ in map(parse_equation, oracle(puzzle).splitlines()):
            if chance.random() < 0.3:  # what is not allowed changes no board
                seen = (await env.combine("10007", "+", "1")).observation
                assert seen.message == game.combine("10007", "+", "1")
            result = await env.combine(a, op, b)
            assert result.observation.message == game.combine(a, op, b), (seed, result.observation.message)
            assert result.observation.board == [str(number) for number in game.pool]
            await asyncio.sleep(chance.random() / 50)
        state = await env.state()
        assert (state.seed, state.step_count, state.done) == (seed, game.turns, True)
        return result.reward


async def main(url: str) -> None:
    together = asyncio.Barrier(SESSIONS)
    rewards = await asyncio.gather(*(session(url, seed, together) for seed in range(SESSIONS)))
    print(sum(rewards))


asyncio.run(main(sys.argv[1]))
