from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

sales = pd.read_csv("sales.csv")
by_month = sales.pivot(index="month", columns="region", values="revenue")

figure, axes = plt.subplots(figsize=(8, 4.5))
for region in by_month.columns:
    axes.plot(by_month.index, by_month[region], marker="o", label=region)
axes.set_title("Revenue by month")
axes.set_xlabel("month")
axes.set_ylabel("revenue")
axes.legend()

Path("out").mkdir(exist_ok=True)
figure.savefig("out/revenue.png", dpi=120)
by_month.to_csv("out/revenue.csv")
plt.show()
